import { lookAtEverything } from "./looked_at.mjs";

lookAtEverything("desk", { width: 1280, height: 800 });
