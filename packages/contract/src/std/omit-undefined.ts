/** Removes undefined properties from an object. */
type Omitted<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without the properties that are undefined. For values that are compared, merged or stored by their keys. Pure. */
export function omitUndefined<T extends object>(object: T): Omitted<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Omitted<T>;
}
