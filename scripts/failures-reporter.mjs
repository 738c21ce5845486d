// A reporter of vitest: writes what failed to the file that ONCEGUARD_FAILURES names, for scripts that repeat it at their end.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** A difference of two long texts would push other failures out of the end of a log. */
const MAX_LINES = 15;
const MAX_PLACES = 4;

// biome-ignore lint/style/noDefaultExport: vitest takes a reporter from there
export default class FailuresReporter {
  onTestRunEnd(modules, errorsOutsideTests) {
    const failures = modules.flatMap((module) => failuresIn(module));
    failures.push(
      ...errorsOutsideTests.map((error) => describe(`An error outside of the tests${fileOf(error)}`, [error])),
    );
    writeFileSync(process.env.ONCEGUARD_FAILURES, JSON.stringify(failures));
  }
}

/** A file that cannot be loaded, a hook that fails, a test that fails. */
function failuresIn(module) {
  const file = relative(process.cwd(), module.moduleId);
  const owners = [
    { title: file, errors: module.errors() },
    ...[...module.children.allSuites()].map((suite) => ({
      title: `${file} > ${suite.fullName}`,
      errors: suite.errors(),
    })),
    ...[...module.children.allTests('failed')].map((test) => ({
      title: `${file} > ${test.fullName}`,
      errors: test.result().errors,
    })),
  ];
  return owners.filter(({ errors }) => errors.length > 0).map(({ title, errors }) => describe(title, errors));
}

/** The file whose tests ran, or that was the last in its process. */
function fileOf({ VITEST_TEST_PATH: path }) {
  return path === undefined ? '' : `, in or after ${relative(process.cwd(), path)}`;
}

function describe(title, errors) {
  return [`✗ ${title}`, ...errors.flatMap((error) => linesOf(error).map((line) => `    ${line}`))].join('\n');
}

/** The message, the difference, and the places in the files of the project. */
function linesOf({ name = 'Error', message, diff = '', stack = '' }) {
  const text = stripVTControlCharacters(`${name}: ${message}\n${diff}`);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const places = stack.split('\n').filter((line) => /^\s+at .*:\d+/.test(line) && !line.includes('node_modules'));
  return [...lines.slice(0, MAX_LINES), ...(lines.length > MAX_LINES ? ['…'] : []), ...places.slice(0, MAX_PLACES)];
}
