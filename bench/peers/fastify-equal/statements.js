// The same work as Taskwell's statements: the user check, soft delete and the revision in the same round trip.
// Rows come back as rows; Fastify's schemas make the JSON, as its community does it.

const fields = (alias) => 'id user_id title description is_completed completed_at created_at updated_at revision'
  .split(' ').map((name) => `${alias}.${name}`).join(', ')

const standing = (issuedAt) => `users.id = $1 AND users.disabled_at IS NULL AND users.tokens_valid_after <= ${issuedAt}`

// One row more than the page holds tells whether there is a next one. A user without tasks still gives one row, which
// holds the revision for the ETag.
const list = (name, resumed) => ({
  name,
  text: `SELECT users.revision AS user_revision, ${fields('item')}
    FROM users LEFT JOIN LATERAL (
      SELECT ${fields('tasks')} FROM tasks
      WHERE tasks.user_id = $1 AND tasks.deleted_at IS NULL ${resumed ? 'AND (tasks.created_at, tasks.id) < ($5, $6)' : ''}
      ORDER BY tasks.created_at DESC, tasks.id DESC LIMIT $3::int + 1
    ) AS item ON $4::bigint IS NULL OR users.revision <> $4
    WHERE ${standing('$2')}`
})

export const LIST = list('list', false)
export const LIST_FROM = list('list_from', true)

export const GET = {
  name: 'get',
  text: `SELECT ${fields('tasks')} FROM users
    LEFT JOIN tasks ON tasks.user_id = $1 AND tasks.id = $3 AND tasks.deleted_at IS NULL
    WHERE ${standing('$2')}`
}

export const CREATE = {
  name: 'create',
  text: `WITH me AS (
      UPDATE users SET revision = revision + 1 WHERE ${standing('$2')} RETURNING revision, clock_timestamp() AS at
    )
    INSERT INTO tasks (user_id, id, title, description, is_completed, completed_at, created_at, updated_at, revision)
    SELECT $1::uuid, $3::uuid, $4::varchar, $5::varchar, $6::bool, CASE WHEN $6 THEN me.at END, me.at, me.at, me.revision FROM me
    RETURNING ${fields('tasks')}`
}

// `$1` the user, `$2` the token's time, `$3` the task, `$4` the revisions that If-Match accepts.
const decided = (name, wanted, set) => ({
  name,
  text: `WITH me AS (
      SELECT users.id, users.revision FROM users WHERE ${standing('$2')} FOR NO KEY UPDATE
    ), current AS (
      SELECT ${fields('tasks')} FROM me JOIN tasks ON tasks.user_id = me.id
      WHERE tasks.user_id = $1 AND tasks.id = $3 AND tasks.deleted_at IS NULL FOR UPDATE OF tasks
    ), wanted AS (
      SELECT me.revision + 1 AS revision, clock_timestamp() AS at FROM me CROSS JOIN current
      WHERE ($4::bigint[] IS NULL OR current.revision = ANY ($4::bigint[])) ${wanted}
    ), changed AS (
      UPDATE tasks SET ${set}, updated_at = wanted.at, revision = wanted.revision FROM wanted
      WHERE tasks.user_id = $1 AND tasks.id = $3 AND tasks.deleted_at IS NULL RETURNING ${fields('tasks')}
    ), counted AS (
      UPDATE users SET revision = changed.revision FROM changed WHERE users.id = $1 AND users.id = changed.user_id
    ), answer AS (
      SELECT * FROM changed UNION ALL SELECT * FROM current WHERE NOT EXISTS (SELECT FROM changed)
    )
    SELECT ${fields('answer')}, $4::bigint[] IS NULL OR answer_was.revision = ANY ($4::bigint[]) AS matches
    FROM me LEFT JOIN answer ON true LEFT JOIN current AS answer_was ON true`
})

const title = 'coalesce($5::varchar, current.title)'
const description = 'CASE WHEN $6::bool THEN $7::varchar ELSE current.description END'
const completed = 'coalesce($8::bool, current.is_completed)'

export const CHANGE = decided(
  'change',
  `AND (${title} <> current.title OR ${description} IS DISTINCT FROM current.description
        OR ${completed} <> current.is_completed)`,
  `title = coalesce($5::varchar, tasks.title), description = CASE WHEN $6::bool THEN $7::varchar ELSE tasks.description END,
   is_completed = coalesce($8::bool, tasks.is_completed),
   completed_at = CASE WHEN coalesce($8::bool, tasks.is_completed) THEN coalesce(tasks.completed_at, wanted.at) END`
)

export const DELETE = decided('delete', '', 'deleted_at = wanted.at')

export const INSTANCE = { name: 'instance', text: 'SELECT epoch, tag_key FROM instance' }
