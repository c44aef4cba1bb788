/** docs/credentials.md shows the recipes of test/docs/recipes, which are type-checked there, and run here with stand-ins. */
import { readdirSync, readFileSync } from "node:fs";
import { compileFunction } from "node:vm";
import ts from "typescript";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ask, Failure } from "../../src/credentials/asking.js";
import { credentialsFromFile } from "../../src/credentials/from-file.js";
import type { CredentialsProvider } from "../../src/credentials/provider.js";

const page = new URL("../../docs/credentials.md", import.meta.url);
const folder = new URL("recipes/", import.meta.url);
const recipes = readdirSync(folder)
  .filter((file) => !file.endsWith(".d.ts"))
  .map((file) => [file, readFileSync(new URL(file, folder), "utf8")] as const);

afterEach(() => {
  vi.unstubAllGlobals();
});

it.each(recipes)("shows %s as it is", (_file, source) => {
  expect(readFileSync(page, "utf8")).toContain(`\`\`\`ts\n${source}\`\`\``);
});

/** The provider that a recipe gives its client. The modules it imports are these. */
function providerOf(name: string, modules: Readonly<Record<string, object>>): CredentialsProvider {
  const source = recipes.find(([file]) => file === `${name}.ts`)?.[1] ?? "";
  const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
  let given: CredentialsProvider | undefined;
  const ioredoubt = {
    createRedis: (options: { credentials: CredentialsProvider }) => (given = options.credentials),
    credentialsFromFile,
  };
  const load = (module: string): object => ({ ioredoubt, ...modules })[module] ?? {};
  const run = compileFunction(outputText, ["require", "exports"]) as (load: unknown, exports: object) => void;
  run(load, {});
  if (given === undefined) throw new Error("the recipe makes no client");
  return given;
}

/** What a client would log in with, and for how many seconds. */
async function loginOf(provider: CredentialsProvider): Promise<readonly unknown[]> {
  const request = { reason: "connect", endpoint: { isSentinel: false } } as const;
  const given = await ask(provider, request, 5_000, new AbortController());
  if (given instanceof Failure) throw new Error(given.what);
  return [given.auth, given.life === undefined ? undefined : Math.ceil(given.life / 1_000)];
}

const inAnHour = (): number => Date.now() + 3_600_000;

describe("the recipe", () => {
  it("at the beginning returns what the function was given", async () => {
    const tokenFor = (service: string): object => ({ token: service, endsAt: inAnHour() });
    expect(await loginOf(providerOf("first", { "your-tokens": { tokenFor } }))).toEqual([["app", "redis"], 3_600]);
  });

  it("for Entra ID takes the user from the token", async () => {
    const token = `x.${Buffer.from(JSON.stringify({ oid: "id-1" })).toString("base64url")}.x`;
    const DefaultAzureCredential = class {
      getToken = (scope: string): object =>
        scope === "https://redis.azure.com/.default" ? { token, expiresOnTimestamp: inAnHour() } : {};
    };
    const provider = providerOf("entra-id", { "@azure/identity": { DefaultAzureCredential } });
    expect(await loginOf(provider)).toEqual([["id-1", token], 3_600]);
  });

  it("for AWS IAM signs a URL for each question", async () => {
    const asked: unknown[] = [];
    const SignatureV4 = class {
      presign = (request: object, { expiresIn }: { expiresIn: number }): object => {
        asked.push(request);
        return { ...request, expiresIn };
      };
    };
    const formatUrl = ({ hostname, path }: { hostname: string; path: string }): string =>
      `http://${hostname}${path}?X-Amz-Signature=s`;
    const provider = providerOf("aws-iam", {
      "@aws-crypto/sha256-js": { Sha256: Object },
      "@aws-sdk/credential-provider-node": { defaultProvider: () => () => ({}) },
      "@aws-sdk/util-format-url": { formatUrl },
      "@smithy/signature-v4": { SignatureV4 },
    });
    expect(await loginOf(provider)).toEqual([["app", "example/?X-Amz-Signature=s"], 900]);
    expect(asked).toEqual([
      expect.objectContaining({ hostname: "example", query: { Action: "connect", User: "app" } }),
    ]);
  });

  it("for Google Cloud takes the default user", async () => {
    const client = { getAccessToken: () => ({ token: "t" }), credentials: { expiry_date: inAnHour() } };
    const GoogleAuth = class {
      getClient = (): object => client;
    };
    expect(await loginOf(providerOf("google-iam", { "google-auth-library": { GoogleAuth } }))).toEqual(["t", 3_600]);
  });

  it("for Vault ends with the lease, and fails when Vault refuses", async () => {
    const answers = [
      Response.json({ data: { username: "v-app", password: "p" }, lease_duration: 600 }),
      new Response("", { status: 403 }),
    ];
    vi.stubGlobal("fetch", () => Promise.resolve(answers.shift()));
    const provider = providerOf("vault", {});
    expect(await loginOf(provider)).toEqual([["v-app", "p"], 600]);
    await expect(loginOf(provider)).rejects.toThrow("threw an error");
  });

  it("for a mounted file says what is wrong with it", async () => {
    await expect(loginOf(providerOf("file", {}))).rejects.toThrow("threw an error (ENOENT)");
  });
});
