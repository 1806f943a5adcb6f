/**
 * Whether writes are believed to work. After a start and after a failed write they are not, until one is proven: reading
 * a secret proves neither the right to write it nor its encryption key.
 */
export interface StoreTrust {
  readonly believed: () => boolean;
  readonly prove: () => void;
  readonly doubt: () => void;
}

export function createStoreTrust(): StoreTrust {
  let believed = false;
  return {
    believed: () => believed,
    prove: () => {
      believed = true;
    },
    doubt: () => {
      believed = false;
    },
  };
}
