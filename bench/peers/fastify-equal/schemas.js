// What goes in and what comes out; Fastify compiles a validator and a serializer from each.
const text = { type: 'string' }
const nullable = { type: ['string', 'null'] }

export const task = {
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

export const page = {
  type: 'object',
  properties: { items: { type: 'array', items: task }, next_cursor: nullable }
}

const content = {
  title: { type: 'string', minLength: 1, maxLength: 255, pattern: '\\S' },
  description: { type: ['string', 'null'], maxLength: 16384 },
  is_completed: { type: 'boolean' }
}

export const whole = { type: 'object', required: ['title'], additionalProperties: false, properties: content }
export const changes = { type: 'object', additionalProperties: false, properties: content }
export const params = { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } }
export const query = {
  type: 'object',
  additionalProperties: false,
  properties: { limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 }, cursor: { type: 'string', maxLength: 200 } }
}
