// Says which features of an HTML file which mail programs do not support, by the data of caniemail.com.
// usage: node caniemail.mjs FOLDER-OF-CANIEMAIL FILE
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , folder, file] = process.argv;
const { caniemail } = await import(pathToFileURL(join(folder, 'dist', 'index.js')));
const clients = ['gmail.*', 'apple-mail.*', 'outlook.*', 'yahoo.*', 'protonmail.*', 'thunderbird.*', 'fastmail.*'];
const { issues } = caniemail({ clients, html: readFileSync(file, 'utf8') });
const found = {};
for (const [client, problems] of issues.errors) {
  for (const { title } of problems) {
    (found[title] ??= []).push(client);
  }
}
for (const title of Object.keys(found)) found[title] = [...new Set(found[title])].sort();
console.log(JSON.stringify(found));
