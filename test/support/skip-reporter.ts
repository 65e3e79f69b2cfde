/** Names every skipped test at the end of a run: what was not shown must not look shown. The name of a skipped suite says why. */
import type { Reporter, TestModule } from 'vitest/node';

export default class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap(module =>
      [...module.children.allTests('skipped')].map(test => `${module.relativeModuleId}: ${test.fullName}`),
    );
    if (skipped.length === 0) {
      console.log('Skipped: nothing.');
      return;
    }
    console.log(`Skipped, with the reason in the name (${skipped.length}):`);
    for (const name of skipped) console.log(`  ${name}`);
  }
}
