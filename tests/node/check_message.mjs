// Reads a message on standard input; writes what each mail program does not support, and of what the data says
// nothing, as JSON {client: {unsupported: [feature], unknown: [feature]}}.
//
// The package takes the last version in the order of letters for the newest (78.10 for newer than 149.0.1), and
// refuses to check a client of which one feature was never tried. So the data is made plain first.
import { readFileSync } from "node:fs";
import { caniemail, rawData } from "caniemail";

const clients = process.argv.slice(2);
const untried = Object.fromEntries(clients.map((client) => [client, new Set()]));

const numbers = (version) => version.split(/[.-]/).map(Number);
const byNumber = (one, other) => {
  const [a, b] = [numbers(one), numbers(other)];
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

for (const { title, stats } of rawData.data) {
  for (const client of clients) {
    const [family, platform] = client.split(".");
    const platforms = (stats[family] ??= {});
    const newest = Object.keys(platforms[platform] ?? {}).sort(byNumber).at(-1);
    if (newest === undefined) untried[client].add(title);
    platforms[platform] = newest === undefined ? { untried: "u" } : { [newest]: platforms[platform][newest] };
  }
}

const html = readFileSync(0, "utf8");
const found = {};
for (const client of clients) {
  const { issues } = caniemail({ clients: [client], html });
  const titles = (told) => [...new Set([...told.values()].flat().map((issue) => issue.title))].sort();
  found[client] = {
    unsupported: titles(issues.errors),
    unknown: titles(issues.warnings).filter((title) => untried[client].has(title)),
  };
}
process.stdout.write(JSON.stringify(found));
