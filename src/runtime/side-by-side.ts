/** Many of a kind, a few at a time: the next begins when any ends, so that a slow one holds up itself alone. */

/**
 * What `act` makes of each item, in the order they come to their end. Whoever stops listening, or is told of a failure,
 * begins no further one and still waits for those that run.
 */
export async function* sideBySide<T, R>(
  items: Iterable<T>,
  count: number,
  act: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running = new Map<T, Promise<readonly [T, R]>>();
  try {
    for (const item of items) {
      if (running.size >= count) yield await first(running);
      running.set(
        item,
        act(item).then((made) => [item, made] as const),
      );
    }
    while (running.size > 0) yield await first(running);
  } finally {
    await Promise.allSettled(running.values());
  }
}

async function first<T, R>(running: Map<T, Promise<readonly [T, R]>>): Promise<R> {
  const [item, made] = await Promise.race(running.values());
  running.delete(item);
  return made;
}
