/**
 * What `require("ioredoubt")` gives: the class itself with every other export on it, as `require("ioredis")` does, so that
 * `const Redis = require(…)` keeps working.
 */
"use strict";
const names = require("./names.js");

// Defined, not assigned: the class inherits ioredis's own exports as getters.
module.exports = Object.defineProperties(names.Redis, {
  ...Object.getOwnPropertyDescriptors({ ...names }),
  // Compiled TypeScript and Babel look for this mark before they look for `default`.
  __esModule: { value: true },
});
