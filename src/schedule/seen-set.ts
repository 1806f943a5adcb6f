/** A set of 53-bit hashes in flat memory: 16 to 32 bytes per member, where a Set of strings would take over 100. */
export interface SeenSet {
  add(hash: number): void;
  has(hash: number): boolean;
  size(): number;
}

export function createSeenSet(): SeenSet {
  // Zero marks a free slot; the one hash that is zero is taken for one.
  let slots = new Float64Array(1_024);
  let count = 0;
  const placeOf = (table: Float64Array, hash: number) => {
    const mask = table.length - 1;
    let place = (hash % 0x7fffffff) & mask;
    while (table[place] !== 0 && table[place] !== hash) place = (place + 1) & mask;
    return place;
  };
  const grow = () => {
    const larger = new Float64Array(slots.length * 2);
    for (const hash of slots) if (hash !== 0) larger[placeOf(larger, hash)] = hash;
    slots = larger;
  };
  return {
    add(hash) {
      const member = hash === 0 ? 1 : hash;
      const place = placeOf(slots, member);
      if (slots[place] === member) return;
      slots[place] = member;
      count += 1;
      if (count * 2 > slots.length) grow();
    },
    has(hash) {
      const member = hash === 0 ? 1 : hash;
      return slots[placeOf(slots, member)] === member;
    },
    size: () => count,
  };
}
