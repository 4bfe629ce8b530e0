// A real authorization server for the tests: node oidc-provider with one client for every way
// there is to authenticate, and one for every grant.
//
//     node server.mjs FOLDER      FOLDER as tests/servers/certificates.py fills it
//
// Prints one line, "READY " and a JSON object with its addresses and clients, and ends when its
// standard input does, so that it never outlives whoever started it.

import { randomBytes, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';

import Provider, { errors } from 'oidc-provider';

const folder = path.resolve(process.argv[2]);
const file = (name) => path.join(folder, name);
const jwks = (name) => JSON.parse(readFileSync(file(`${name}.jwks.json`), 'utf8'));

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const RESOURCES = ['https://api.example.com/orders', 'https://api.example.com/bills'];
const CALLBACKS = ['http://127.0.0.1:9/callback', 'https://app.example.com/callback'];
const SCOPES = ['openid', 'offline_access', 'read', 'write'];

// --- clients: what the server is told, and what the tests are told -------------------------------

const secret = () => randomBytes(32).toString('base64url');
const clients = [];
const known = {};

// One client for each way to authenticate, and each of them may use every grant.
const EVERY_GRANT = {
  grant_types: [
    'client_credentials', 'authorization_code', 'refresh_token', DEVICE_CODE, TOKEN_EXCHANGE,
  ],
  response_types: ['code'],
  redirect_uris: CALLBACKS,
};

function client(name, method, metadata = {}, files = {}) {
  const hasSecret = method.startsWith('client_secret_');
  const entry = {
    client_id: name,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: SCOPES.join(' '),
    token_endpoint_auth_method: method,
    ...(hasSecret && { client_secret: secret() }),
    ...metadata,
  };
  clients.push(entry);
  known[name] = {
    client_id: entry.client_id, client_secret: entry.client_secret ?? null, method, ...files,
  };
}

function keyClient(name, key, algorithm) {
  client(name, 'private_key_jwt', { ...EVERY_GRANT, jwks: jwks(key) }, {
    key_file: file(`${key}.pem`), key_id: jwks(key).keys[0].kid, algorithm,
  });
}

const certificate = (name) => ({
  certificate_file: file(`${name}.pem`), certificate_key_file: file(`${name}-key.pem`),
});

client('basic', 'client_secret_basic', {
  ...EVERY_GRANT, authorization_details_types: ['payment'],
});
client('post', 'client_secret_post', EVERY_GRANT);
client('none', 'none', EVERY_GRANT);
client('secret-jwt', 'client_secret_jwt', {
  ...EVERY_GRANT, token_endpoint_auth_signing_alg: 'HS256',
}, { algorithm: 'HS256' });
keyClient('key-rsa', 'rsa', 'RS256');
keyClient('key-ec', 'ec', 'ES256');
keyClient('key-ed25519', 'ed25519', 'EdDSA');
client('mtls', 'tls_client_auth', {
  ...EVERY_GRANT,
  tls_client_auth_subject_dn: 'CN=mtls-client,O=oauthreg tests',
  tls_client_certificate_bound_access_tokens: true,
}, certificate('client'));
client('mtls-self-signed', 'self_signed_tls_client_auth', {
  ...EVERY_GRANT, jwks: jwks('self-signed'), tls_client_certificate_bound_access_tokens: true,
}, certificate('self-signed'));
// This server takes printable ASCII only; the non-latin secret is at Keycloak.
client('odd', 'client_secret_basic', {
  client_id: 'odd+%:/="\\ id', client_secret: `a+b%2F:c/d=e"f\\g h%zz ${secret()}`,
});
client('short', 'client_secret_basic'); // its tokens live five seconds
client('dpop', 'client_secret_basic', { dpop_bound_access_tokens: true });
client('dpop-nonce', 'client_secret_basic', { dpop_bound_access_tokens: true });
client('exchange', 'client_secret_basic', { grant_types: [TOKEN_EXCHANGE, 'client_credentials'] });
client('device', 'none', { grant_types: [DEVICE_CODE, 'refresh_token'] });
client('web', 'client_secret_basic', {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: CALLBACKS,
});
client('spa', 'none', {
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: CALLBACKS.slice(0, 1),
});

// --- the server ----------------------------------------------------------------------------------

const signingKey = (kty, options, alg) => ({
  ...generateKeyPairSync(kty, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig',
});
const peer = (ctx) => ctx.req.socket.getPeerX509Certificate?.();
const askedFor = (ctx) => JSON.parse(ctx.oidc.params.authorization_details ?? '[]');
const subjectOf = (cert) => cert.subject.split('\n').reverse().join(',');

const configuration = (mtls) => ({
  clients,
  scopes: SCOPES,
  jwks: { keys: [signingKey('rsa', { modulusLength: 2048 }, 'RS256'), signingKey('ec', { namedCurve: 'P-256' }, 'ES256')] },
  cookies: { keys: [secret()] },
  clientAuthMethods: [
    'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none',
    'tls_client_auth', 'self_signed_tls_client_auth',
  ],
  discovery: {
    mtls_endpoint_aliases: {
      token_endpoint: `${mtls}/token`,
      introspection_endpoint: `${mtls}/token/introspection`,
      revocation_endpoint: `${mtls}/token/revocation`,
      pushed_authorization_request_endpoint: `${mtls}/request`,
      device_authorization_endpoint: `${mtls}/device/auth`,
    },
  },
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    dPoP: {
      enabled: true,
      nonceSecret: randomBytes(32),
      requireNonce: (ctx) => ctx.oidc.client?.clientId === 'dpop-nonce',
    },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      tlsClientAuth: true,
      selfSignedTlsClientAuth: true,
      getCertificate: peer,
      certificateAuthorized: (ctx) => ctx.req.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) => (
        property === 'tls_client_auth_subject_dn' && subjectOf(peer(ctx)) === expected
      ),
    },
    richAuthorizationRequests: {
      enabled: true,
      types: { payment: { validate() {} } },
      authorizationDetailsForGrantSource: askedFor,
      authorizationDetailsForAccessToken: (ctx, token, source) => source?.rar ?? askedFor(ctx),
      authorizationDetailsForIntrospection: (ctx, token) => token.rar,
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(ctx, resource) {
        if (!RESOURCES.includes(resource)) throw new errors.InvalidTarget();
        return { scope: 'read write', audience: resource, accessTokenFormat: 'jwt' };
      },
    },
  },
  issueRefreshToken: (ctx, owner) => owner.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: {
    AccessToken: 600,
    ClientCredentials: (ctx, token, { clientId }) => (clientId === 'short' ? 5 : 600),
  },
});

const tokenExchange = (provider) => async (ctx) => {
  const { client: exchanger, params } = ctx.oidc;
  const subject = await provider.AccessToken.find(params.subject_token)
    ?? await provider.ClientCredentials.find(params.subject_token);
  if (!subject?.isValid || params.subject_token_type !== ACCESS_TOKEN) {
    throw new errors.InvalidGrant('subject_token is not an access token of this server');
  }
  const token = new provider.ClientCredentials({ client: exchanger, scope: params.scope });
  token.extra = { exchanged_from: subject.clientId, act: params.actor_token && 'present' };
  ctx.oidc.entity('ClientCredentials', token);
  ctx.body = {
    access_token: await token.save(),
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: token.expiration,
    scope: token.scope,
  };
};

const listen = (server) => new Promise((done) => {
  server.listen(0, '127.0.0.1', () => done(server.address().port));
});

let answer;
const serve = (request, response) => answer(request, response);
const plain = http.createServer(serve);
const tls = https.createServer({
  cert: readFileSync(file('server.pem')),
  key: readFileSync(file('server-key.pem')),
  ca: readFileSync(file('ca.pem')),
  requestCert: true,
  rejectUnauthorized: false, // self-signed certificates come through; certificateAuthorized decides
}, serve);

const issuer = `http://127.0.0.1:${await listen(plain)}`;
const mtls = `https://127.0.0.1:${await listen(tls)}`;
const provider = new Provider(issuer, configuration(mtls));
provider.registerGrantType(TOKEN_EXCHANGE, tokenExchange(provider), [
  'subject_token', 'subject_token_type', 'actor_token', 'actor_token_type',
  'requested_token_type', 'audience', 'resource', 'scope',
], ['audience', 'resource']);
provider.on('server_error', (ctx, error) => console.error(error));
answer = provider.callback();

console.log(`READY ${JSON.stringify({
  issuer,
  token_uri: `${issuer}/token`,
  introspection_uri: `${issuer}/token/introspection`,
  revocation_uri: `${issuer}/token/revocation`,
  device_authorization_uri: `${issuer}/device/auth`,
  pushed_authorization_request_uri: `${issuer}/request`,
  authorization_uri: `${issuer}/auth`,
  mtls_issuer: mtls,
  mtls_token_uri: `${mtls}/token`,
  ca_bundle: file('ca.pem'),
  clients: known,
  resources: RESOURCES,
  user: { username: 'alice', password: 'any' }, // whoever logs in is let in
})}`);

process.stdin.on('end', () => process.exit(0)).resume();
