// What vega-interpreter asks of vega-util, out of the vega that the page has loaded.
export const { ascending, isString, DisallowedObjectProperties } = globalThis.vega;
