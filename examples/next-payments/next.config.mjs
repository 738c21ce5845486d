// The packages are installed beside this folder, as in any workspace.
const root = new URL('../..', import.meta.url).pathname;
const config = { turbopack: { root }, outputFileTracingRoot: root, serverExternalPackages: ['ioredis'] };

// biome-ignore lint/style/noDefaultExport: Next reads it
export default config;
