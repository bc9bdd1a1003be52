// Asks for a token with a library that others wrote: node ask.mjs LIBRARY < request.json > answer.json
// A request is {url | issuer, id, secret, way: "basic" | "body", scope?}; the answer is what the library made of the server's.
import dns from 'node:dns'
import { text } from 'node:stream/consumers'
import * as openid from 'openid-client'
import { ClientCredentials } from 'simple-oauth2'

// Names below localhost are this machine (RFC 6761, section 6.3); not every resolver knows.
const lookup = dns.lookup
dns.lookup = (name, ...rest) => lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, ...rest)

const request = JSON.parse(await text(process.stdin))
const parameters = request.scope ? { scope: request.scope } : {}

const libraries = {
  'simple-oauth2': async ({ url, id, secret, way }) => {
    const at = new URL(url)
    const client = new ClientCredentials({
      client: { id, secret },
      auth: { tokenHost: at.origin, tokenPath: at.pathname + at.search },
      options: { authorizationMethod: way === 'basic' ? 'header' : 'body' },
    })
    return (await client.getToken(parameters)).token
  },

  'openid-client': async ({ url, id, secret, way }) => {
    const config = new openid.Configuration({ issuer: new URL(url).origin, token_endpoint: url }, id, {}, proof(way, secret))
    openid.allowInsecureRequests(config)
    return openid.clientCredentialsGrant(config, parameters)
  },

  // From the issuer alone: discovery, a token, what is known of it, and its end.
  discovery: async ({ issuer, algorithm, id, secret, way }) => {
    const options = { algorithm, execute: [openid.allowInsecureRequests] }
    const config = await openid.discovery(new URL(issuer), id, {}, proof(way, secret), options)
    const token = await openid.clientCredentialsGrant(config, parameters)
    const known = await openid.tokenIntrospection(config, token.access_token)
    await openid.tokenRevocation(config, token.access_token)
    const after = await openid.tokenIntrospection(config, token.access_token)
    return { ...token, known: known.active, after: after.active, server: config.serverMetadata() }
  },
}

function proof(way, secret) {
  return way === 'basic' ? openid.ClientSecretBasic(secret) : openid.ClientSecretPost(secret)
}

console.log(JSON.stringify(await libraries[process.argv[2]](request)))
