/* colors.ts - scales that hold for colour-blind readers: lightness alone tells the order, hue only helps.
 *
 * The risk scale runs from the page's own ground to dark red-brown in the light theme and to pale yellow in the dark one, one
 * way all along in lightness (as ColorBrewer's YlOrBr does). Eleven stops, linear between them in sRGB.
 */
type RGB = readonly [number, number, number];

const parse = (hex: string): RGB => [parseInt(hex.slice(1, 3), 16), parseInt(hex.slice(3, 5), 16), parseInt(hex.slice(5, 7), 16)];
const LIGHT = ['#f3f5f7', '#fdf1cf', '#fddc8f', '#f9bd55', '#ee9432', '#d96b1d', '#b9470f', '#8f2d0b', '#641b0c', '#421008'].map(parse);
const DARK = ['#1a222c', '#2b2a2a', '#4a3322', '#6f421c', '#97551a', '#bf6d1d', '#e08b33', '#f2ac5b', '#fbcf92', '#fff1d6'].map(parse);

/* 256 colours as 0xAABBGGRR, ready for an ImageData of 32-bit words. */
export function scale(dark: boolean): Uint32Array {
  const stops = dark ? DARK : LIGHT;
  const out = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const a = stops[low]!;
    const b = stops[low + 1]!;
    const mix = (k: 0 | 1 | 2): number => Math.round(a[k] + (b[k] - a[k]) * (at - low));
    out[i] = (0xff000000 | (mix(2) << 16) | (mix(1) << 8) | mix(0)) >>> 0;
  }
  return out;
}

export const cssColor = (word: number): string => `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
/* Whether dark text reads better on it. */
export const isLight = (word: number): boolean => 0.299 * (word & 255) + 0.587 * ((word >> 8) & 255) + 0.114 * ((word >> 16) & 255) > 140;

/* A colour of the style sheet. */
export const cssVar = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
