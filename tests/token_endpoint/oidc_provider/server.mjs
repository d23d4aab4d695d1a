// An authorization server that nobody here wrote, on a loopback port that the system chooses.
// One line on stdout says the port; it ends when its standard input does.
//
//     node server.mjs '{"secret": "...", "ttl": 600}'

import Provider from "oidc-provider";

const { secret, ttl } = JSON.parse(process.argv[2]);
const clients = ["client_secret_basic", "client_secret_post"].map((method) => ({
  client_id: method,
  client_secret: secret,
  token_endpoint_auth_method: method,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
  scope: "read write",
}));

const provider = new Provider("http://127.0.0.1", {
  clients,
  scopes: ["read", "write", "admin"],
  ttl: { ClientCredentials: () => ttl },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_, resource) => ({
        audience: resource,
        scope: "read write",
        accessTokenFormat: "jwt",
        accessTokenTTL: ttl,
      }),
    },
  },
});

const server = provider.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
