// A real OpenID Connect provider for tests: who signs in as NAME is NAME@example.org, in the groups
// that GROUPS says ({"ann": ["stewards"]}). Prints its issuer once it answers.
import http from "node:http";
import { Provider } from "oidc-provider";

const groups = JSON.parse(process.env.GROUPS ?? "{}");
const client = (id) => ({
  client_id: id,
  client_secret: `the secret of ${id}`,
  redirect_uris: [process.env.REDIRECT],
  response_types: ["code"],
  grant_types: ["authorization_code"],
});

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [client("headgate"), client("another")],
    claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
    cookies: { keys: ["only for tests"] },
    // Claims in the token where CLAIMS is so; else only to who asks with the access token.
    conformIdTokenClaims: process.env.CLAIMS !== "token",
    pkce: { required: () => true },
    ttl: { AuthorizationCode: Number(process.env.CODE_SECONDS ?? 60) },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.org`,
        email_verified: id !== "mallory",
        groups: groups[id] ?? [],
      }),
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
