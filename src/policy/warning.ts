/** Something allowed that is usually a mistake: the option, and what about it, to be read as one sentence. */
export interface PolicyWarning {
  readonly path: string;
  readonly says: string;
}
