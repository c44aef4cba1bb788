/** The picture of a benchmark shows what was measured, and is SVG that every reader takes. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { drawPicture } from "../../benchmarks/lib/picture.mjs";
import { Timeline } from "../../benchmarks/lib/timeline.mjs";

type Columns = ReturnType<Timeline["columns"]>;

/** Four seconds, of which nothing is answered in the second and third. */
const OUTAGE: Columns = {
  column: 1000,
  answered: [100, 0, 0, 100],
  failed: [0, 0, 50, 0],
  slowest: [1, 2000, 1000, 1],
  unsettled: [0, 0, 0, 0],
  marks: [{ label: "server dead", from: 1000, to: 3000 }],
};

const picture = (columns: Partial<Columns> = {}): string =>
  drawPicture({
    title: "An outage",
    scenes: [{ clients: [{ label: "a client", columns: { ...OUTAGE, ...columns } }] }],
  });

/** Elements in order; throws where tags do not match or a character stands for itself that must not. */
function elementsOf(svg: string): readonly { name: string; attributes: Record<string, string>; text: string }[] {
  const all: { name: string; attributes: Record<string, string>; text: string }[] = [];
  const open: (typeof all)[number][] = [];
  const rest = svg.replaceAll(
    /<(\/?)([a-z]+)((?: [a-zA-Z][a-zA-Z0-9-]*="[^"<]*")*)(\/?)>|([^<]+)/g,
    (_, ...found: string[]) => {
      const [closing, name = "", attributes = "", isEmpty, text] = found;
      if (text !== undefined) {
        if (/&(?!amp;|lt;|gt;|quot;)/.test(text)) throw new Error(`a bare & in ${text}`);
        const element = open.at(-1);
        if (element !== undefined) element.text += text;
      } else if (closing === "/") {
        const ended = open.pop();
        if (ended?.name !== name) throw new Error(`</${name}> ends <${ended?.name ?? "nothing"}>`);
      } else {
        const pairs = [...attributes.matchAll(/ ([a-zA-Z][a-zA-Z0-9-]*)="([^"]*)"/g)].map(
          ([, key = "", value = ""]) => [key, value],
        );
        const element = { name, attributes: Object.fromEntries(pairs) as Record<string, string>, text: "" };
        all.push(element);
        if (isEmpty !== "/") open.push(element);
      }
      return "";
    },
  );
  if (rest !== "" || open.length > 0) throw new Error(`not well formed: ${rest.slice(0, 80)}`);
  return all;
}

/** Corners of the outline of a kind of columns, as shares of the plot's width and units from the top. */
function outline(svg: string, kind: string): readonly (readonly [number, number])[] {
  const elements = elementsOf(svg);
  const grid = elements.find(({ attributes }) => attributes["class"] === "grid")?.attributes ?? {};
  const [left, right] = [Number(grid["x1"]), Number(grid["x2"])];
  const d = elements.find(({ name, attributes }) => name === "path" && attributes["class"] === kind)?.attributes["d"];
  const corners: [number, number][] = [];
  let [x, y] = [0, 0];
  for (const [, letter, first, second] of (d ?? "").matchAll(/([MHV])([\d.]+)(?: ([\d.]+))?/g)) {
    if (letter !== "V") x = Number(first);
    if (letter !== "H") y = Number(letter === "M" ? second : first);
    corners.push([(x - left) / (right - left), y]);
  }
  return corners;
}

/** How high the columns of a kind stand at the middle of each column. */
function heights(svg: string, kind: string, columns: number): readonly number[] {
  const corners = outline(svg, kind);
  const base = corners[0]?.[1] ?? 0;
  return Array.from({ length: columns }, (_, i) => {
    const middle = (i + 0.5) / columns;
    const level = corners.findLast(([x]) => x <= middle)?.[1] ?? base;
    return base - level;
  });
}

const texts = (svg: string): readonly string[] =>
  elementsOf(svg)
    .filter(({ name }) => name === "text")
    .map(({ text }) => text);

describe("a picture", () => {
  it("is one SVG element with a title and a description for those who hear it", () => {
    const [svg, title, description] = elementsOf(picture());
    expect(svg).toMatchObject({
      name: "svg",
      attributes: { xmlns: "http://www.w3.org/2000/svg", role: "img", "aria-labelledby": "title about" },
    });
    expect(title).toMatchObject({ name: "title", attributes: { id: "title" }, text: "An outage" });
    expect(description).toMatchObject({ name: "desc", attributes: { id: "about" } });
    expect(description?.text).toBe("a client: 200 answered, 50 failed, 0 never settled, the slowest took 2.0 s.");
  });

  it("draws what was answered, what failed and how long the slowest took, each where it happened", () => {
    const svg = picture();
    const answered = heights(svg, "answered", 4);
    expect(answered.map((units) => units > 0)).toEqual([true, false, false, true]);
    expect(heights(svg, "failed", 4).map((units) => units > 0)).toEqual([false, false, true, false]);
    // Half as many calls, half as high.
    expect(heights(svg, "failed", 4)[2]).toBeCloseTo((answered[0] ?? 0) / 2, 0);
    const [fast = 0, slowest = 0, slow = 0] = heights(svg, "slowest", 4);
    expect(slowest).toBeGreaterThan(slow);
    expect(slow).toBeGreaterThan(fast);
    expect(fast).toBeGreaterThan(0);
  });

  it("puts what failed on top of what was answered", () => {
    const svg = picture({ answered: [100, 50, 100, 100], failed: [0, 50, 0, 0] });
    expect(heights(svg, "failed", 4)[1]).toBeCloseTo(heights(svg, "answered", 4)[0] ?? 0, 1);
    expect(heights(svg, "answered", 4)[1]).toBeLessThan(heights(svg, "failed", 4)[1] ?? 0);
  });

  it("marks a fault for as long as it lasted, and a moment by a line", () => {
    const svg = picture({
      marks: [
        { label: "server dead", from: 1000, to: 3000 },
        { label: "cut", from: 3500 },
      ],
    });
    const elements = elementsOf(svg);
    const marked = (kind: string): Record<string, string> =>
      elements.find(({ attributes }) => attributes["class"] === kind)?.attributes ?? {};
    const grid = marked("grid");
    const [left, right] = [Number(grid["x1"]), Number(grid["x2"])];
    expect((Number(marked("mark")["x"]) - left) / (right - left)).toBeCloseTo(0.25, 2);
    expect(Number(marked("mark")["width"]) / (right - left)).toBeCloseTo(0.5, 2);
    expect((Number(marked("moment")["x1"]) - left) / (right - left)).toBeCloseTo(0.875, 2);
    expect(texts(svg)).toEqual(expect.arrayContaining(["server dead", "cut"]));
    expect(elements.filter(({ name }) => name === "title").map(({ text }) => text)).toEqual(
      expect.arrayContaining(["server dead", "cut"]),
    );
  });

  it("gives faults numbers and a key where their names find no room", () => {
    const labels = ["a reset of all links", "a drop of replies", "a freeze of the server"];
    const marks = Array.from({ length: 12 }, (_, i) => ({
      label: labels[i % 3] ?? "",
      from: i * 300,
      to: i * 300 + 200,
    }));
    const shown = texts(picture({ marks }));
    expect(shown).toEqual(expect.arrayContaining(["1", "2", "3"]));
    const words = "1 a reset of all links · 2 a drop of replies · 3 a freeze of the server";
    expect(shown.join(" ").replaceAll("\u00a0", " ")).toContain(words);
    expect(shown).not.toContain("a freeze of the server");
  });

  it("tells of the calls that never settled only where there are some", () => {
    expect(texts(picture())).not.toContain("never settled");
    const svg = picture({ unsettled: [0, 0, 3, 0] });
    expect(texts(svg)).toContain("never settled");
    expect(heights(svg, "unsettled", 4).map((units) => units > 0)).toEqual([false, false, true, false]);
  });

  it("says how high a burst was that it cuts off", () => {
    expect(texts(picture()).join()).not.toContain("↑");
    expect(texts(picture({ answered: [100, 100, 100, 9000], failed: [0, 0, 0, 0] }))).toContain("↑ 9,000/s");
  });

  it("shows markup in its words as it is", () => {
    const nasty = `<script>"&</title>\u0000`;
    const svg = drawPicture({
      title: nasty,
      note: nasty,
      scenes: [
        { title: nasty, clients: [{ label: nasty, columns: { ...OUTAGE, marks: [{ label: nasty, from: 0 }] } }] },
      ],
    });
    expect(elementsOf(svg).map(({ name }) => name)).not.toContain("script");
    expect(texts(svg).filter((text) => text === "&lt;script&gt;&quot;&amp;&lt;/title&gt;")).toHaveLength(5);
    expect(svg).not.toContain("\u0000");
  });

  it("has colours for light and dark, and larger letters where it is narrow", () => {
    const style = elementsOf(picture()).find(({ name }) => name === "style")?.text ?? "";
    expect(style).toContain("prefers-color-scheme:dark");
    expect(style).toContain("max-width");
    for (const kind of ["answered", "failed", "slowest", "unsettled"])
      expect(style.split(`.${kind}{`), kind).toHaveLength(3);
  });

  it("takes nothing from elsewhere", () => {
    expect(picture().replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|url\(|href|@import/);
  });

  it("holds several scenes and clients, below each other", () => {
    const client = (label: string): { label: string; columns: Columns } => ({ label, columns: OUTAGE });
    const svg = drawPicture({
      title: "Storms",
      scenes: [
        { title: "seed 1", clients: [client("one"), client("two")] },
        { title: "seed 2", clients: [client("one"), client("two")] },
      ],
    });
    expect(texts(svg)).toEqual(expect.arrayContaining(["seed 1", "seed 2", "one", "two"]));
    expect(
      elementsOf(svg).filter(({ attributes }) => attributes["class"] === "answered" && "d" in attributes),
    ).toHaveLength(4);
    const [, height = 0] = /viewBox="0 0 720 (\d+)"/.exec(svg) ?? [];
    const ys = elementsOf(svg).flatMap(({ attributes }) => (attributes["transform"] ?? "").split(" ")[1] ?? []);
    expect(ys).toHaveLength(2);
    for (const y of ys) expect(Number.parseFloat(y)).toBeLessThan(Number(height));
  });

  it("is drawn although nothing happened", () => {
    const nothing = { column: 250, answered: [], failed: [], slowest: [], unsettled: [], marks: [] };
    expect(texts(picture(nothing))).toContain("a client");
    expect(picture(nothing)).not.toMatch(/NaN|Infinity|undefined/);
  });
});

it("in the readme is one of ours, and small", () => {
  const svg = readFileSync(new URL("../../docs/outage.svg", import.meta.url), "utf8");
  expect(svg.length).toBeLessThan(40_000);
  expect(texts(svg)).toEqual(expect.arrayContaining(["plain ioredis", "ioredoubt"]));
  expect(outline(svg, "answered").length).toBeGreaterThan(10);
});

describe("a timeline", () => {
  it("counts answers when they came, and the slowest when it was issued", () => {
    const timeline = new Timeline(1000);
    timeline.add({ issued: 1010, settled: 1020, isAnswered: true });
    timeline.add({ issued: 1030, settled: 1600, isAnswered: false });
    timeline.add({ issued: 1300, settled: undefined, isAnswered: false });
    expect(timeline.columns()).toEqual({
      column: 250,
      answered: [1, 0, 0],
      failed: [0, 0, 1],
      slowest: [570, null, null],
      unsettled: [0, 1, 0],
      marks: [],
    });
  });

  it("watches calls, and lets go of those that settle", async () => {
    const timeline = new Timeline();
    let answer: (reply: string) => void = () => undefined;
    const promise = new Promise<string>((resolve) => (answer = resolve));
    timeline.watch(promise);
    timeline.watch(Promise.reject(new Error("refused")));
    timeline.watch(new Promise(() => {}));
    const sum = (calls: readonly number[]): number => calls.reduce((all, one) => all + one, 0);
    expect(sum(timeline.columns().unsettled)).toBe(3);
    answer("OK");
    await promise;
    await new Promise((done) => setImmediate(done));
    const { answered, failed, unsettled } = timeline.columns();
    expect([sum(answered), sum(failed), sum(unsettled)]).toEqual([1, 1, 1]);
  });

  it("notes what is done to the server, with its end where it has one", () => {
    const timeline = new Timeline(performance.now() - 1000);
    const end = timeline.begin("dead");
    timeline.begin("cut");
    end();
    const [dead, cut] = timeline.columns().marks;
    expect(dead?.label).toBe("dead");
    expect(dead?.from).toBeGreaterThanOrEqual(1000);
    expect(dead?.to).toBeGreaterThanOrEqual(dead?.from ?? Infinity);
    expect(cut).not.toHaveProperty("to");
  });
});
