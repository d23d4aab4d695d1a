// An authorization server that nobody here wrote, on loopback ports that the system chooses.
// One line of JSON on stdout says the ports; it ends when its standard input does.
//
//     node server.mjs '{"clients": [...], "ttl": 600}'
//
// clients    metadata as in RFC 7591
// ttl        seconds that a token lives
// algorithms what an assertion may be signed with
// path       of the issuer, as "/tenant"; the provider lies below it
// openidOnly whether RFC 8414's metadata are missing, as at older servers
// tls        PEM texts: cert, key, and the ca of client certificates. With it there is a second
//            port, which asks for a client certificate (mtls_endpoint_aliases)

import { X509Certificate } from "node:crypto";
import http from "node:http";
import https from "node:https";

import Provider from "oidc-provider";

const { clients, ttl, algorithms, path = "", openidOnly, tls } = JSON.parse(process.argv[2]);
const resource = (_, uri) => ({
  audience: uri,
  scope: "read write",
  accessTokenFormat: "jwt",
  accessTokenTTL: ttl,
});

const listening = (server) =>
  new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
const plain = tls ? https.createServer({ cert: tls.cert, key: tls.key }) : http.createServer();
const mutual = tls && https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false });
const port = await listening(plain);
const mutualPort = mutual ? await listening(mutual) : null;

const issuer = `http${tls ? "s" : ""}://127.0.0.1:${port}${path}`;
const provider = new Provider(issuer, {
  clients,
  clientAuthMethods: [
    "client_secret_basic",
    "client_secret_post",
    ...(algorithms ? ["private_key_jwt"] : []),
    ...(mutual ? ["tls_client_auth", "self_signed_tls_client_auth"] : []),
  ],
  ...(algorithms && { enabledJWA: { clientAuthSigningAlgValues: algorithms } }),
  discovery: mutual && {
    mtls_endpoint_aliases: { token_endpoint: `https://127.0.0.1:${mutualPort}${path}/token` },
  },
  scopes: ["read", "write", "admin"],
  ttl: { ClientCredentials: () => ttl },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: resource,
    },
    mTLS: mutual && {
      enabled: true,
      tlsClientAuth: true,
      selfSignedTlsClientAuth: true,
      certificateBoundAccessTokens: true,
      getCertificate: ({ socket }) => {
        const shown = socket.getPeerCertificate?.().raw;
        return shown && new X509Certificate(shown);
      },
      certificateAuthorized: ({ socket }) => socket.authorized,
      certificateSubjectMatches: ({ socket }, property, expected) =>
        property === "tls_client_auth_subject_dn" &&
        expected === `CN=${socket.getPeerCertificate().subject.CN}`,
    },
  },
});

const answer = provider.callback();
const WELL_KNOWN = "/.well-known/oauth-authorization-server";
const below = (request, response) => {
  // Where the provider does not lie at the root, the suffix of RFC 8414 comes before its path.
  const url = request.url === `${WELL_KNOWN}${path}` ? `${path}${WELL_KNOWN}` : request.url;
  if (!url.startsWith(`${path}/`) || (openidOnly && url.endsWith(WELL_KNOWN))) {
    response.writeHead(404).end();
    return;
  }
  request.originalUrl = url;
  request.url = url.slice(path.length);
  answer(request, response);
};
for (const server of [plain, mutual].filter(Boolean)) server.on("request", below);
console.log(JSON.stringify({ port, mutual: mutualPort }));
process.stdin.on("end", () => process.exit(0)).resume();
