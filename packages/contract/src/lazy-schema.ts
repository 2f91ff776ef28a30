/** Schemas that are made when they are first used. */
import { z } from "zod";

/**
 * A schema that is made by its first use. Every command loads the modules with schemas and uses few of them, and making all
 * takes as long as starting Node. `unwrap()` gives the schema itself, made once.
 */
export function lazySchema<S extends z.ZodType>(make: () => S): z.ZodLazy<S> {
  let made: S | undefined;
  return z.lazy(() => (made ??= make()));
}
