/** The least OIDC provider that signs one user in without a question. */
import { createSign, generateKeyPairSync } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";

export function startIdentityProvider(port: number, clientId: string): void {
  const issuer = `http://localhost:${port}`;
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "bench", alg: "RS256", use: "sig" };
  let nonce: string | null = null;
  const idToken = (): string => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: clientId,
      sub: "bench",
      email: "bench@example.com",
      email_verified: true,
    };
    const parts = [
      { alg: "RS256", kid: "bench" },
      { ...claims, nonce, iat: now, exp: now + 3600 },
    ];
    const content = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${content}.${createSign("RSA-SHA256").update(content).sign(privateKey, "base64url")}`;
  };
  const json = (response: ServerResponse, body: object): void =>
    void response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", issuer);
    if (pathname === "/.well-known/openid-configuration") {
      const endpoints = { authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` };
      const supported = {
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
      };
      json(response, { issuer, ...endpoints, jwks_uri: `${issuer}/keys`, ...supported });
    } else if (pathname === "/keys") json(response, { keys: [jwk] });
    else if (pathname === "/token")
      json(response, { access_token: "none", token_type: "Bearer", expires_in: 3600, id_token: idToken() });
    else {
      nonce = searchParams.get("nonce");
      const back = new URL(searchParams.get("redirect_uri") ?? issuer);
      back.searchParams.set("code", "code");
      back.searchParams.set("state", searchParams.get("state") ?? "");
      response.writeHead(302, { location: back.href }).end();
    }
  });
  server.listen(port, "localhost");
}
