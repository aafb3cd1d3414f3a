import { runPluginProcess } from '../grpc/plugin-process.ts';
import { readLivePolicy } from './live-policy.ts';
import { describePolicyDifference } from './policy-difference.ts';
import { cordonProvider } from './provider.ts';

const provider = cordonProvider({ readLivePolicy, describeDifference: describePolicyDifference });
void runPluginProcess(provider, process.argv.slice(2));
