// `railway config plan` looks here; what it finds is rendered by `blackroad railway render`.
export { default } from "../railway/fleet.ts";
