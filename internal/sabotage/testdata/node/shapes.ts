// Types that the reader must step over.
interface Shape { area(): number; name?: string }
type Pair<T> = { left: T; right: T };

export class Square implements Shape {
  private readonly side: number;
  constructor(side: number) { this.side = side; }
  public area(): number {
    return this.side * this.side;
  }
  pair(): Pair<number> {
    return { left: this.side, right: this.side };
  }
  grow<T extends number>(by: T): Array<Map<string, number>> {
    if (by > 2) {
      return [];
    }
    return [new Map<string, number>([['a', by]])];
  }
  literal(): { a: number; b: string } {
    return { a: 1, b: 'x' };
  }
}

export async function load(name: string, retries: number = 3): Promise<string | undefined> {
  let left: number = retries;
  while (left > 0) {
    left = left - 1;
  }
  return name as string;
}

export function isBig(n: number): n is 100 {
  return n >= 100;
}
