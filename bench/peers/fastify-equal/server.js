// Fastify and pg doing the same work as Taskwell: a verified and cached EdDSA token, the user check, soft delete, the
// revision in the same statement, ETags, cursors, the error envelope. No log line a request: that is ours alone.
import cluster from 'node:cluster'
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createVerifier } from 'fast-jwt'
import Fastify from 'fastify'
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { changes, page, params, query, task, whole } from './schemas.js'
import { CHANGE, CREATE, DELETE, GET, INSTANCE, LIST, LIST_FROM } from './statements.js'

pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => `${text.slice(0, 10)}T${text.slice(11)}:00`)
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

// The whole token is the cache's key: fast-jwt's own page says that hashing it costs ten times as much.
const verify = createVerifier({
  key: readFileSync(process.env.PUBLIC_KEY),
  algorithms: ['EdDSA'],
  allowedIss: 'taskwell',
  allowedAud: 'taskwell',
  requiredClaims: ['exp', 'iat', 'sub'],
  clockTolerance: 60_000,
  cache: 20_000,
  cacheKeyBuilder: (token) => token
})

class Refusal extends Error {
  constructor (statusCode, code, message) {
    super(message)
    this.statusCode = statusCode
    this.code = code
  }
}

const unauthorized = () => new Refusal(401, 'token_invalid', 'The access token is not valid.')

function signedIn (request) {
  const header = request.headers.authorization
  if (header === undefined || !header.startsWith('Bearer ')) throw unauthorized()
  try {
    const { sub, iat } = verify(header.slice(7))
    return [sub, new Date(iat * 1000).toISOString()]
  } catch {
    throw unauthorized()
  }
}

function revisions (header, ours) {
  if (header === undefined || header === '*') return null
  return header.split(',').map((tag) => {
    const [, found, revision] = /^\s*"(.+\.)(\d+)"\s*$/.exec(tag) ?? []
    return found === ours ? Number(revision) : -1
  })
}

function checked (rows) {
  if (rows.length === 0) throw new Refusal(401, 'account_unusable', 'This account cannot be used.')
  if (rows[0].revision === null) throw new Refusal(404, 'task_not_found', 'There is no such task.')
  if (rows[0].matches === false) throw new Refusal(412, 'task_changed', 'The task has changed.')
  return rows[0]
}

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
  const run = async (statement, values) => (await pool.query({ name: statement.name, text: statement.text, values })).rows
  const [{ epoch, tag_key: key }] = await run(INSTANCE, [])
  const app = Fastify({ logger: false, genReqId: () => randomUUID() })
  const ours = (user) => `${epoch}.1.${createHmac('sha256', key).update(user).digest('hex').slice(0, 24)}.`
  const etag = (user, revision) => `"${ours(user)}${revision}"`
  const tagged = (reply, row) => {
    reply.header('etag', etag(row.user_id, row.revision))
    return row
  }

  app.setErrorHandler((error, request, reply) => {
    const status = error.statusCode ?? 500
    const code = error instanceof Refusal ? error.code : status < 500 ? 'invalid_input' : 'internal_error'
    if (status === 401) reply.header('www-authenticate', 'Bearer realm="taskwell", error="invalid_token"')
    reply.code(status).send({ error: { code, message: error.message, details: {}, request_id: request.id } })
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    reply.header('x-request-id', request.id).header('cache-control', 'private, no-cache').header('vary', 'Authorization')
    reply.header('x-content-type-options', 'nosniff')
    done()
  })

  app.get('/api/v1/tasks', { schema: { querystring: query, response: { 200: page } } }, async (request, reply) => {
    const [user, issuedAt] = signedIn(request)
    const { limit, cursor } = request.query
    const known = revisions(request.headers['if-none-match'], ours(user))
    const values = [user, issuedAt, limit, known === null ? null : Math.max(...known)]
    if (cursor !== undefined) values.push(...Buffer.from(cursor, 'base64url').toString().split(' '))
    const rows = await run(cursor === undefined ? LIST : LIST_FROM, values)
    if (rows.length === 0) throw new Refusal(401, 'account_unusable', 'This account cannot be used.')
    const revision = rows[0].user_revision
    reply.header('etag', etag(user, revision))
    if (known !== null && known.includes(revision)) return reply.code(304).send()
    if (rows[0].id === null) return { items: [], next_cursor: null }
    if (rows.length <= limit) return { items: rows, next_cursor: null }
    rows.length = limit
    const last = rows[limit - 1]
    const next = Buffer.from(`${last.created_at} ${last.id}`).toString('base64url')
    reply.header('link', `</api/v1/tasks?limit=${limit}&cursor=${next}>; rel="next"`)
    return { items: rows, next_cursor: next }
  })
  app.get('/api/v1/tasks/:id', { schema: { params, response: { 200: task } } }, async (request, reply) => {
    const [user, issuedAt] = signedIn(request)
    const row = checked(await run(GET, [user, issuedAt, request.params.id]))
    const known = revisions(request.headers['if-none-match'], ours(user))
    tagged(reply, row)
    return known !== null && known.includes(row.revision) ? reply.code(304).send() : row
  })
  app.post('/api/v1/tasks', { schema: { body: whole, response: { 201: task } } }, async (request, reply) => {
    const [user, issuedAt] = signedIn(request)
    const { title, description = null, is_completed: isCompleted = false } = request.body
    const row = checked(await run(CREATE, [user, issuedAt, uuidv7(), title, description, isCompleted]))
    reply.code(201).header('location', `/api/v1/tasks/${row.id}`)
    return tagged(reply, row)
  })
  app.patch('/api/v1/tasks/:id', { schema: { params, body: changes, response: { 200: task } } }, async (request, reply) => {
    const [user, issuedAt] = signedIn(request)
    const { title, description, is_completed: isCompleted } = request.body
    const match = revisions(request.headers['if-match'], ours(user))
    const values = [user, issuedAt, request.params.id, match, title, description !== undefined, description, isCompleted]
    return tagged(reply, checked(await run(CHANGE, values)))
  })
  app.put('/api/v1/tasks/:id', { schema: { params, body: whole, response: { 200: task } } }, async (request, reply) => {
    const [user, issuedAt] = signedIn(request)
    const { title, description = null, is_completed: isCompleted = false } = request.body
    const match = revisions(request.headers['if-match'], ours(user))
    const values = [user, issuedAt, request.params.id, match, title, true, description, isCompleted]
    return tagged(reply, checked(await run(CHANGE, values)))
  })
  app.delete('/api/v1/tasks/:id', { schema: { params } }, async (request, reply) => {
    const [user, issuedAt] = signedIn(request)
    const match = revisions(request.headers['if-match'], ours(user))
    checked(await run(DELETE, [user, issuedAt, request.params.id, match]))
    return reply.code(204).send()
  })

  await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT), backlog: 2048 })
}

if (cluster.isPrimary) {
  for (let n = 0; n < Number(process.env.WORKERS); n++) cluster.fork()
  process.on('SIGTERM', () => process.exit(0))
} else {
  await serve()
}
