/** As much of other people's packages as the recipes use: none of them is installed here. */
declare module "@azure/identity" {
  export class DefaultAzureCredential {
    getToken(
      scope: string,
      options?: { abortSignal?: AbortSignal },
    ): Promise<{ token: string; expiresOnTimestamp: number }>;
  }
}

declare module "@aws-crypto/sha256-js" {
  export class Sha256 {
    digest(): Promise<Uint8Array>;
  }
}

declare module "@aws-sdk/credential-provider-node" {
  export function defaultProvider(): () => Promise<{ accessKeyId: string; secretAccessKey: string }>;
}

declare module "@smithy/signature-v4" {
  interface Request {
    method: string;
    protocol: string;
    hostname: string;
    path: string;
    query: Record<string, string>;
    headers: Record<string, string>;
  }
  export class SignatureV4 {
    constructor(options: { service: string; region: string; credentials: unknown; sha256: unknown });
    presign(request: Request, options: { expiresIn: number }): Promise<Request>;
  }
}

declare module "@aws-sdk/util-format-url" {
  export function formatUrl(request: {
    protocol: string;
    hostname: string;
    path: string;
    query: Record<string, string>;
  }): string;
}

declare module "google-auth-library" {
  export class GoogleAuth {
    constructor(options: { scopes: string });
    getClient(): Promise<{
      getAccessToken(): Promise<{ token?: string | null }>;
      readonly credentials: { readonly expiry_date?: number | null };
    }>;
  }
}

declare module "your-tokens" {
  export function tokenFor(
    service: string,
    options: { signal: AbortSignal },
  ): Promise<{ token: string; endsAt: number }>;
}
