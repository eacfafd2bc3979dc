// Signs in, goes on and signs out by oauth4webapi, in each way that a client can say who it is; prints what the library made of it.
import * as oauth from "oauth4webapi"

const [base, username, password] = process.argv.slice(2)
const server = {
  issuer: base,
  token_endpoint: `${base}/api/v1/oauth/token`,
  revocation_endpoint: `${base}/api/v1/oauth/revoke`,
}
const client = { client_id: "my-app" }
const options = { [oauth.allowInsecureRequests]: true }

async function signIn(auth, typed) {
  const answer = await oauth.genericTokenEndpointRequest(server, client, auth, "password", { username, password: typed }, options)
  return oauth.processGenericTokenEndpointResponse(server, client, answer)
}

async function refresh(auth, token) {
  return oauth.processRefreshTokenResponse(server, client, await oauth.refreshTokenGrantRequest(server, client, auth, token, options))
}

async function refusal(promise) {
  try {
    await promise
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) return [error.status, error.error, error.error_description]
    throw error
  }
}

const said = []
for (const auth of [oauth.None(), oauth.ClientSecretBasic("secret"), oauth.ClientSecretPost("secret")]) {
  const signedIn = await signIn(auth, password)
  const next = await refresh(auth, signedIn.refresh_token)
  const tasks = await oauth.protectedResourceRequest(next.access_token, "GET", new URL(`${base}/api/v1/tasks`), undefined, undefined, options)
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, next.refresh_token, options))
  said.push({
    type: signedIn.token_type,
    tasks: tasks.status,
    over: await refusal(refresh(auth, next.refresh_token)),
    wrong: await refusal(signIn(auth, "wrong password")),
  })
}
let throttled
while (!throttled || throttled[0] === 400) throttled = await refusal(signIn(oauth.None(), "wrong password"))
console.log(JSON.stringify({ said, throttled }))
