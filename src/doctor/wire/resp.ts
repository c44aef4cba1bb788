/** The wire format, where the doctor's files look for it. */
export * from "../../resp.js";
