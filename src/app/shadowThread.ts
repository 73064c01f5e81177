// Program of the shadow's two threads: the core's, with the tutoring platform's rules and codecs.
import { SHADOW } from "../contract/index.ts";
import { runShadowThread } from "../shadow/index.ts";

runShadowThread(SHADOW);
