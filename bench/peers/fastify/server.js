// Fastify and pg, written by hand: named prepared statements, JSON by schemas, a plain INSERT. The user's id is taken
// from a header: no sign-in, no check that the user exists, no revision, no ETag.
import cluster from 'node:cluster'
import Fastify from 'fastify'
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'

// A Date for each of 60 timestamps a list, and back to text at once, is what a hand-written server leaves out:
// PostgreSQL's text becomes RFC 3339 with one character put in, at its full precision.
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => `${text.slice(0, 10)}T${text.slice(11)}:00`)
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

const text = { type: 'string' }
const nullable = { type: ['string', 'null'] }
const task = {
  type: 'object',
  properties: {
    id: text,
    user_id: text,
    title: text,
    description: nullable,
    is_completed: { type: 'boolean' },
    completed_at: nullable,
    created_at: text,
    updated_at: text,
    revision: { type: 'integer' }
  }
}
const page = { type: 'object', properties: { items: { type: 'array', items: task } } }
const content = {
  title: { type: 'string', minLength: 1, maxLength: 255 },
  description: { type: ['string', 'null'], maxLength: 16384 },
  is_completed: { type: 'boolean' }
}
const whole = { type: 'object', required: ['title'], additionalProperties: false, properties: content }
const changes = { type: 'object', additionalProperties: false, properties: content }
const params = { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } }

const fields = 'id, user_id, title, description, is_completed, completed_at, created_at, updated_at, revision'

const LIST = {
  name: 'list',
  text: `SELECT ${fields} FROM tasks WHERE user_id = $1 AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 20`
}
const GET = { name: 'get', text: `SELECT ${fields} FROM tasks WHERE user_id = $1 AND id = $2` }
const CREATE = {
  name: 'create',
  text: `INSERT INTO tasks (user_id, id, title, description, is_completed, completed_at, created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5::bool, CASE WHEN $5::bool THEN now() END, now(), now(), 1) RETURNING ${fields}`
}
const CHANGE = {
  name: 'change',
  text: `UPDATE tasks SET title = coalesce($3::varchar, title), description = CASE WHEN $4::bool THEN $5::varchar ELSE description END,
      is_completed = coalesce($6::bool, is_completed), updated_at = now(),
      completed_at = CASE WHEN coalesce($6::bool, is_completed) THEN coalesce(completed_at, now()) END
    WHERE user_id = $1 AND id = $2 RETURNING ${fields}`
}
const DELETE = { name: 'delete', text: 'DELETE FROM tasks WHERE user_id = $1 AND id = $2' }

async function serve () {
  const url = new URL(process.env.DATABASE_URL.replace('@/', '@localhost/'))
  const pool = new pg.Pool({
    host: url.searchParams.get('host'),
    user: url.username,
    database: url.pathname.slice(1),
    max: Number(process.env.POOL_SIZE),
    idleTimeoutMillis: 0,
    options: '-c timezone=UTC'
  })
  const app = Fastify({ logger: false })
  const run = (statement, values) => pool.query({ name: statement.name, text: statement.text, values })
  const found = (rows, reply) => rows.length === 0 ? reply.code(404).send({ error: 'not found' }) : rows[0]

  app.get('/api/v1/tasks', { schema: { response: { 200: page } } }, async (request) => {
    const { rows } = await run(LIST, [request.headers['x-user-id']])
    return { items: rows }
  })
  app.get('/api/v1/tasks/:id', { schema: { params, response: { 200: task } } }, async (request, reply) => {
    const { rows } = await run(GET, [request.headers['x-user-id'], request.params.id])
    return found(rows, reply)
  })
  app.post('/api/v1/tasks', { schema: { body: whole, response: { 201: task } } }, async (request, reply) => {
    const { title, description = null, is_completed: isCompleted = false } = request.body
    const { rows } = await run(CREATE, [request.headers['x-user-id'], uuidv7(), title, description, isCompleted])
    reply.code(201)
    return rows[0]
  })
  app.patch('/api/v1/tasks/:id', { schema: { params, body: changes, response: { 200: task } } }, async (request, reply) => {
    const { title, description, is_completed: isCompleted } = request.body
    const values = [request.headers['x-user-id'], request.params.id, title, description !== undefined, description, isCompleted]
    const { rows } = await run(CHANGE, values)
    return found(rows, reply)
  })
  app.put('/api/v1/tasks/:id', { schema: { params, body: whole, response: { 200: task } } }, async (request, reply) => {
    const { title, description = null, is_completed: isCompleted = false } = request.body
    const { rows } = await run(CHANGE, [request.headers['x-user-id'], request.params.id, title, true, description, isCompleted])
    return found(rows, reply)
  })
  app.delete('/api/v1/tasks/:id', { schema: { params } }, async (request, reply) => {
    const { rowCount } = await run(DELETE, [request.headers['x-user-id'], request.params.id])
    return reply.code(rowCount === 0 ? 404 : 204).send()
  })

  await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT), backlog: 2048 })
}

if (cluster.isPrimary) {
  for (let n = 0; n < Number(process.env.WORKERS); n++) cluster.fork()
  process.on('SIGTERM', () => process.exit(0))
} else {
  await serve()
}
