/**
 * What `require("ioredoubt")` gives: the class itself with every other export on it, as `require("ioredis")` does, so that
 * `const Redis = require(…)` keeps working.
 */
"use strict";
const names = require("./names.js");

// Defined, not assigned: the class inherits ioredis's own exports as getters. As they are: what is loaded on demand stays so.
const descriptors = Object.keys(names).map((name) => [name, Object.getOwnPropertyDescriptor(names, name)]);
module.exports = Object.defineProperties(names.Redis, {
  ...Object.fromEntries(descriptors),
  // Compiled TypeScript and Babel look for this mark before they look for `default`.
  __esModule: { value: true },
});
