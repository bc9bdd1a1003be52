import { lookAtEverything } from "./looked_at.mjs";

lookAtEverything("phone", { width: 360, height: 740 });
