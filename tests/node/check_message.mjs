// Reads a message on standard input; writes what each mail program does not support, as JSON {client: [feature]}.
import { readFileSync } from "node:fs";
import { caniemail } from "caniemail";

const html = readFileSync(0, "utf8");
const found = {};
for (const client of process.argv.slice(2)) {
  const { issues } = caniemail({ clients: [client], html });
  found[client] = [...new Set([...issues.errors.values()].flat().map((issue) => issue.title))].sort();
}
process.stdout.write(JSON.stringify(found));
