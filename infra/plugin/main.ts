import { runPluginProcess } from '../grpc/plugin-process.ts';
import { readLivePolicy } from './live-policy.ts';
import { cordonProvider } from './provider.ts';
import { describeTextDifference } from './text-difference.ts';

const provider = cordonProvider({ readLivePolicy, describeDifference: describeTextDifference });
void runPluginProcess(provider, process.argv.slice(2));
