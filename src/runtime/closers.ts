/**
 * Whatever is opened pushes its own close; stopping unwinds in reverse order. One failing close never keeps the others
 * from running; the first failure is thrown at the end.
 */
export interface Closers {
  push(name: string, close: () => unknown | Promise<unknown>): void;
  closeAll(): Promise<void>;
}

export function createClosers(): Closers {
  const stack: { name: string; close: () => unknown }[] = [];
  return {
    push(name, close) {
      stack.push({ name, close });
    },
    async closeAll() {
      let firstFailure: unknown;
      for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
        try {
          await entry.close();
        } catch (error) {
          firstFailure ??= new Error(`closing ${entry.name} failed`, { cause: error });
        }
      }
      if (firstFailure !== undefined) throw firstFailure;
    },
  };
}
