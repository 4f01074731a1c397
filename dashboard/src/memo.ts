/* memo.ts - what a view has worked out and would work out again alike: one result per name, while its inputs are the same objects.
 *
 * A rendering asks for everything that it shows. What the last one did not ask for is forgotten, so the data behind a chart go
 * when the chart goes, and a list whose members change (the five worst servers of thirty minutes) keeps those that it shows.
 */
interface Kept {
  inputs: unknown[];
  value: unknown;
  asked: boolean; // in the rendering that is under way
}

export class Memo {
  private readonly kept = new Map<string, Kept>();

  of<T>(name: string, inputs: unknown[], make: () => T): T {
    const known = this.kept.get(name);
    if (known && known.inputs.length === inputs.length && known.inputs.every((v, i) => v === inputs[i])) {
      known.asked = true;
      return known.value as T;
    }
    const value = make();
    this.kept.set(name, { inputs, value, asked: true });
    return value;
  }

  /* After a rendering. */
  forget(): void {
    for (const [name, known] of this.kept) {
      if (known.asked) known.asked = false;
      else this.kept.delete(name);
    }
  }
}
