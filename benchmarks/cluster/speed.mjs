/** How many commands a second a cluster client carries, plain ioredis and ours in turn, round by round. */

/** Keys, in slots of all masters. */
const KEYS = Array.from({ length: 1000 }, (_, at) => `speed:${at}`);
const PIPELINE = 100;

/** @typedef {(client: any, until: number) => Promise<number>} Work commands until then */

/** @type {Record<string, Work>} */
const WORKS = {
  "GET, 1 at a time": (client, until) => gets(client, 1, until),
  "GET, 64 at a time": (client, until) => gets(client, 64, until),
  "GET, 1000 at a time": (client, until) => gets(client, 1000, until),
  "pipelines of 100 GET in one slot": async (client, until) => {
    let done = 0;
    while (performance.now() < until) {
      const pipeline = client.pipeline();
      for (let at = 0; at < PIPELINE; at++) pipeline.get(`{speed}${at}`);
      await pipeline.exec();
      done += PIPELINE;
    }
    return done;
  },
};

/**
 * @param {{ plain: any, ours: any }} clients
 * @param {{ rounds: number, seconds: number }} options
 * @returns {Promise<string[][]>} the rows of a table
 */
export async function speed({ plain, ours }, { rounds, seconds }) {
  await Promise.all(KEYS.map((key) => plain.set(key, key)));
  const rows = [["commands a second, median", "plain", "ours", "ours ÷ plain", "from", "to"]];
  for (const [name, work] of Object.entries(WORKS)) {
    /** @type {{ plain: number, ours: number }[]} */
    const told = [];
    for (let round = 0; round <= rounds; round++) {
      const rates = { plain: await rate(plain, work, seconds), ours: await rate(ours, work, seconds) };
      // The first one warms up.
      if (round > 0) told.push(rates);
    }
    const ratios = told.map((one) => one.ours / one.plain);
    const thousands = (/** @type {"plain" | "ours"} */ whose) =>
      `${(median(told.map((one) => one[whose])) / 1000).toFixed(1)} k`;
    const spread = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
    rows.push([name, thousands("plain"), thousands("ours"), ...spread]);
  }
  return rows;
}

/**
 * @param {any} client
 * @param {Work} work
 * @param {number} seconds
 */
async function rate(client, work, seconds) {
  const begun = performance.now();
  const done = await work(client, begun + seconds * 1000);
  return done / ((performance.now() - begun) / 1000);
}

/**
 * @param {any} client
 * @param {number} width
 * @param {number} until
 */
async function gets(client, width, until) {
  let done = 0;
  const loop = async (/** @type {number} */ first) => {
    for (let at = first; performance.now() < until; at += width) {
      await client.get(KEYS[at % KEYS.length]);
      done++;
    }
  };
  await Promise.all(Array.from({ length: width }, (_, at) => loop(at)));
  return done;
}

/** @param {number[]} list */
function median(list) {
  const sorted = [...list].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
