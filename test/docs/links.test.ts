/** Links between the documents lead somewhere: to a file that is there, and to a heading that it has. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const markdown = (name: string): boolean => name.endsWith(".md");
const DOCS = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).filter(markdown);
const PAGES = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md"],
  ...DOCS.map((name) => join("docs", name)),
];

const textOf = (page: string): string => readFileSync(join(ROOT, page), "utf8");

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/[`*]/g, "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

function anchorsOf(page: string): readonly string[] {
  const headings = textOf(page).matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = ""]) => anchorOf(heading));
}

/** Paths and anchors that a page links to, those of other sites aside. */
function linksOf(page: string): readonly string[] {
  const prose = textOf(page).replaceAll(/^```[\s\S]*?^```/gm, "");
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

describe("links", () => {
  it.each(PAGES)("of %s lead somewhere", (page) => {
    const broken = linksOf(page).filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && markdown(target) && !anchorsOf(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("docs/README.md leads to every document", () => {
    const listed = linksOf("docs/README.md");
    const documents = DOCS.filter((name) => name !== "README.md" && !name.includes("/"));
    expect(documents.filter((name) => !listed.includes(name))).toEqual([]);
  });
});
