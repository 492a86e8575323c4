// Writes page.js, the one file that the kernel reads: nobody who installs the package needs node.
// A test makes it again and compares.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export async function bundled() {
  const made = await build({
    absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
    entryPoints: ["src/index.js"],
    outfile: "page.js",
    bundle: true,
    format: "iife",
    globalName: "tracerPage",
    charset: "utf8",
    target: "es2022",
    banner: { js: "// Made of src/ by `npm run build`; do not edit." },
    write: false,
  });
  return made.outputFiles[0].text;
}
