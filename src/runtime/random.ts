import { randomBytes } from 'node:crypto';

/** Where randomness comes from. Passed in, so that a simulation with a seed repeats itself. */
export interface Random {
  bytes(count: number): Buffer;
  /** A version 4 UUID in lower case; also serves as a Secrets Manager ClientRequestToken (32 to 64 characters). */
  uuid(): string;
  /** A number in [0, 1). */
  fraction(): number;
}

/** Formats 16 bytes as an RFC 9562 UUID of the given version. */
export function uuidFrom(bytes: Uint8Array, version: 4 | 8): string {
  const b = Buffer.from(bytes.subarray(0, 16));
  b[6] = ((b[6] ?? 0) & 0x0f) | (version << 4);
  b[8] = ((b[8] ?? 0) & 0x3f) | 0x80;
  const hex = b.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function from(bytes: (count: number) => Buffer): Random {
  return {
    bytes,
    uuid: () => uuidFrom(bytes(16), 4),
    fraction: () => bytes(6).readUIntBE(0, 6) / 2 ** 48,
  };
}

/** The operating system's randomness. Only `main` and test support build it. */
export function systemRandom(): Random {
  return from(randomBytes);
}

/** Repeatable randomness for tests and the demo (mulberry32). Never for keys. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next32 = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return from((count) => {
    const out = Buffer.alloc(count);
    for (let i = 0; i < count; i++) out[i] = next32() & 0xff;
    return out;
  });
}
