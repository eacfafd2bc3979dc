// The everyday calls with openapi-typescript and openapi-fetch.
import assert from "node:assert"
import createClient from "openapi-fetch"
import type { components, paths } from "./schema"

type Task = components["schemas"]["TaskView"]

async function everyday(baseUrl: string, email: string, password: string): Promise<void> {
  const anonymous = createClient<paths>({ baseUrl })
  const registered = await anonymous.POST("/api/v1/auth/register", { body: { email, password } })
  assert.equal(registered.data?.email, email)
  const form = { "Content-Type": "application/x-www-form-urlencoded" }
  const signedIn = await anonymous.POST("/api/v1/auth/token", { body: { username: email, password }, headers: form })
  assert(signedIn.data)
  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${signedIn.data.access_token}` } })

  for (const title of ["a", "b", "c"]) {
    const { data, error } = await client.POST("/api/v1/tasks", { body: { title } })
    if (error) throw new Error(error.error.code)
    assert.equal(data.is_completed, false)
  }
  const all: Task[] = []
  for (let cursor: string | undefined = "";  cursor !== undefined; ) {
    const query: { limit: number; completed: boolean; cursor?: string } = { limit: 2, completed: false, ...(cursor && { cursor }) }
    const page: { data?: components["schemas"]["TaskPage"] } = await client.GET("/api/v1/tasks", { params: { query } })
    assert(page.data)
    all.push(...page.data.items)
    cursor = page.data.next_cursor ?? undefined
  }
  assert.deepEqual(all.map((task) => task.title), ["c", "b", "a"])

  const path = { task_id: all[0]!.id }
  const read = await client.GET("/api/v1/tasks/{task_id}", { params: { path } })
  assert(read.data)
  const etag = read.response.headers.get("ETag")
  assert(etag)
  const whole = await client.PUT("/api/v1/tasks/{task_id}", { params: { path }, body: { ...read.data, is_completed: true } })
  assert.equal(whole.data?.is_completed, true)
  const patched = await client.PATCH("/api/v1/tasks/{task_id}", { params: { path }, body: { title: "C" } })
  assert.equal(patched.data?.title, "C")
  const header = { "if-match": etag }
  const stale = await client.PATCH("/api/v1/tasks/{task_id}", { params: { path, header }, body: { title: "x" } })
  assert.equal(stale.response.status, 412)
  assert.equal(stale.error?.error.code, "task_changed")
  assert.equal(stale.error?.error.details.current?.title, "C")
  const deleted = await client.DELETE("/api/v1/tasks/{task_id}", { params: { path } })
  assert.equal(deleted.response.status, 204)
  const gone = await client.GET("/api/v1/tasks/{task_id}", { params: { path } })
  assert.equal(gone.error?.error.code, "task_not_found")
}

const [, , baseUrl, email, password] = process.argv
void everyday(baseUrl!, email!, password!).then(() => console.log("all of it"))
