// The page: one file, which may load and run nothing but itself.
import { createHash } from 'node:crypto';
import { page } from './page.js';
import { htmlResponse } from './responses.js';

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Only this script and this style sheet count, so nothing that is on record can be run, whatever the page did with it. */
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(page.script)}`,
  `style-src ${hashOf(page.style)}`,
  "connect-src 'self'",
  'img-src data:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>onceguard inspector</title>
<link rel="icon" href="data:,">
<style>${page.style}</style>
</head>
<body>
<div id="app"></div>
<noscript>The inspector needs JavaScript.</noscript>
<script type="module">${page.script}</script>
</body>
</html>
`;

export function pageResponse(method: string): Response {
  return htmlResponse(method === 'HEAD' ? null : html, policy);
}
