// A program for both threads, as an application's is, with nothing of an application.
import { APPLICATION } from "../../threads/testing/comparerBench.ts";
import { runShadowThread } from "../../threads/runShadowThread.ts";

runShadowThread(APPLICATION);
