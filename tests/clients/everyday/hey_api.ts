// The everyday calls with @hey-api/openapi-ts.
import assert from "node:assert"
import { changeTask, createTask, deleteTask, listTasks, makeToken, readTask, register, replaceTask, type TaskView } from "./client"
import { client } from "./client/client.gen"

async function everyday(baseUrl: string, email: string, password: string): Promise<void> {
  client.setConfig({ baseUrl })
  const registered = await register({ body: { email, password } })
  assert.equal(registered.data?.email, email)
  const signedIn = await makeToken({ body: { username: email, password } })
  const token = signedIn.data?.access_token
  assert(token)
  client.setConfig({ auth: () => token })

  for (const title of ["a", "b", "c"]) {
    const { data, error } = await createTask({ body: { title } })
    if (error) throw new Error(error.error.code)
    assert.equal(data.is_completed, false)
  }
  const all: TaskView[] = []
  let cursor: string | undefined
  do {
    const { data } = await listTasks({ query: { limit: 2, completed: false, cursor }, throwOnError: true })
    all.push(...data.items)
    cursor = data.next_cursor ?? undefined
  } while (cursor !== undefined)
  assert.deepEqual(all.map((task) => task.title), ["c", "b", "a"])

  const path = { task_id: all[0]!.id }
  const read = await readTask({ path, throwOnError: true })
  const etag = read.response.headers.get("ETag")
  assert(etag)
  const whole = await replaceTask({ path, body: { ...read.data, is_completed: true } })
  assert.equal(whole.data?.is_completed, true)
  const patched = await changeTask({ path, body: { title: "C" } })
  assert.equal(patched.data?.title, "C")
  const stale = await changeTask({ path, headers: { "if-match": etag }, body: { title: "x" } })
  assert.equal(stale.response?.status, 412)
  assert.equal(stale.error?.error.code, "task_changed")
  assert.equal(stale.error?.error.details.current?.title, "C")
  const deleted = await deleteTask({ path })
  assert.equal(deleted.response?.status, 204)
  const gone = await readTask({ path })
  assert.equal(gone.error?.error.code, "task_not_found")
}

const [, , baseUrl, email, password] = process.argv
void everyday(baseUrl!, email!, password!).then(() => console.log("all of it"))
