import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist", "node_modules", "coverage", "benchmarks/results"] },
  {
    files: ["**/*.ts", "**/*.js", "**/*.mjs"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json" } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/unbound-method": "off",
      // The overloads are ioredis's own list, one argument form a line.
      "@typescript-eslint/unified-signatures": "off",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // What stays of `import { type A }` is an import that loads the module for nothing.
      "@typescript-eslint/no-import-type-side-effects": "error",
      "no-console": "error",
    },
  },
  {
    // The same code drives clients of several libraries, and reads what other processes report as JSON: `any`, by its nature.
    files: ["**/*.mjs"],
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/restrict-plus-operands": ["error", { allowAny: true }],
      "@typescript-eslint/use-unknown-in-catch-callback-variable": "off",
      // Blind to a variable that a callback changes while a loop awaits, which is how these loops end.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
    },
  },
  {
    // Other people's packages want functions that return promises, classes for modules, and hand out what they call an error.
    files: ["test/more/consumers/*.mjs"],
    rules: {
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      "@typescript-eslint/no-extraneous-class": "off",
    },
  },
  { files: ["src/cli/**/*.ts", "test/**/*.ts", "**/*.mjs"], rules: { "no-console": "off" } },
);
