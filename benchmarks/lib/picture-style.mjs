/** How a picture looks. Lengths are units of its own; it is so many pixels wide where there is room, and narrower on a telephone. */

export const WIDTH = 720;
export const MARGIN = 14;
/** What an average letter and a line take at most: where the picture is narrow, text is half as large again. */
export const LETTER = 12.5;
export const LINE = 26;

/** What the colours mean. */
export const COLOURS = {
  answered: "answered",
  failed: "failed",
  slowest: "how long the slowest call issued then took",
  unsettled: "never settled",
};

/**
 * The paper is painted, because not every page that shows the picture is as light or as dark as its reader's system. The
 * colours differ in lightness, too, for those who do not tell them apart.
 */
export const STYLE = `
text{font:14px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2328}
.title,.name{font-weight:600}.faint{fill:#59636e}.end{text-anchor:end}.middle{text-anchor:middle}
.paper{fill:#fff;stroke:#d1d9e0}.axis{stroke:#818b98}.grid{stroke:#d1d9e0}
.over{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
.mark{fill:#818b98;fill-opacity:.22}.moment{stroke:#59636e;stroke-dasharray:4 3}
.answered{fill:#1a7f7a}.failed{fill:#e5892b}.slowest{fill:#5b67c7}.unsettled{fill:#b3261e}
@media (max-width:560px){text{font-size:21px}}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.faint{fill:#9aa4b0}.paper{fill:#0d1117;stroke:#3d444d}.axis{stroke:#767f8a}.grid{stroke:#2c333b}
.over{stroke:#0d1117}.mark{fill:#9198a1;fill-opacity:.28}.moment{stroke:#b0b8c1}
.answered{fill:#35b3a8}.failed{fill:#f0a04b}.slowest{fill:#8f9bf2}.unsettled{fill:#f0776c}
}
`.replaceAll("\n", "");
