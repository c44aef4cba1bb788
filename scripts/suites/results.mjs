/** What became of the tests of a suite, and what differs between two runs of it. */

/**
 * @typedef {{ outcome: "passed" | "failed" | "skipped", message?: string }} Result
 * @typedef {Map<string, Result>} Results - by file and title
 */

/**
 * @param {Results} plain
 * @param {Results} ours
 */
export function differences(plain, ours) {
  return [...plain]
    .filter(([, { outcome }]) => outcome === "passed")
    .map(([title]) => ({ title, result: ours.get(title) }))
    .filter(({ result }) => result?.outcome !== "passed");
}

/**
 * @param {Results} results
 */
export function tally(results) {
  const count = (/** @type {Result["outcome"]} */ wanted) =>
    [...results.values()].filter(({ outcome }) => outcome === wanted).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}
