// Compiles projects in one process, with the TypeScript of the given path: node compile.mjs <typescript> <folder> [<folder>]. Prints what it says
// of each as JSON, `{ "<folder>": "<mistakes>" }`.
//
// Declarations are parsed once for all of them. Of the packages, those of onceguard alone are checked, where the settings ask for that: those of the
// others take most of the time of `tsc`, and what they are checked for does not change from project to project.
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [typescript, ...folders] = process.argv.slice(2);
const ts = createRequire(import.meta.url)(resolve(typescript));
const declarations = new Map();

console.log(JSON.stringify(Object.fromEntries(folders.map((folder) => [folder, compile(folder)]))));

function compile(folder) {
  const onUnRecoverableConfigFileDiagnostic = ({ messageText }) => {
    throw new Error(`${folder}: ${messageText}`);
  };
  const system = { ...ts.sys, onUnRecoverableConfigFileDiagnostic };
  const { fileNames, options, errors } = ts.getParsedCommandLineOfConfigFile(
    join(folder, 'tsconfig.json'),
    undefined,
    system,
  );
  const host = ts.createCompilerHost(options);
  host.getSourceFile = withSharedDeclarations(host.getSourceFile);
  const program = ts.createProgram({ rootNames: fileNames, options, host, configFileParsingDiagnostics: errors });
  const mistakes = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program
      .getSourceFiles()
      .filter(isOurs)
      .flatMap((file) => mistakesIn(program, file)),
    // All at once would check every file of every package first.
    ...fileNames.flatMap((name) => program.emit(program.getSourceFile(name)).diagnostics),
  ];
  return ts.formatDiagnostics(ts.sortAndDeduplicateDiagnostics(mistakes), host);
}

function mistakesIn(program, file) {
  return [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
    ...(program.getCompilerOptions().declaration ? program.getDeclarationDiagnostics(file) : []),
  ];
}

function isOurs({ fileName }) {
  return !fileName.includes('/node_modules/') || fileName.includes('/node_modules/@onceguard/');
}

/** A declaration is the same tree in every program that reads it as the same kind of module. */
function withSharedDeclarations(getSourceFile) {
  return (name, settings, ...rest) => {
    if (!/\.d\.[cm]?ts$/.test(name)) return getSourceFile(name, settings, ...rest);
    const key = `${name} ${settings.languageVersion} ${settings.impliedNodeFormat}`;
    if (!declarations.has(key)) declarations.set(key, getSourceFile(name, settings, ...rest));
    return declarations.get(key);
  };
}
