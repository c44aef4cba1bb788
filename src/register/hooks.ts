/** The hooks for ES modules as Node calls them in a thread of their own, before Node 22.15. */
import { COPY, isRequest, sourceOf, swapped } from "./modules.js";

interface Resolution {
  readonly url: string;
}

/** Puts a module that stands for ioredis in its place. */
export async function resolve(
  specifier: string,
  context: { readonly parentURL?: string },
  next: (specifier: string, context: object) => Promise<Resolution>,
): Promise<object> {
  const resolution = await next(specifier, context);
  return isRequest(specifier, context.parentURL) ? swapped(resolution) : resolution;
}

/** Writes that module. */
export function load(
  url: string,
  context: object,
  next: (url: string, context: object) => Promise<object>,
): object | Promise<object> {
  return url.endsWith(COPY) ? sourceOf(url) : next(url, context);
}
