import * as pulumi from '@pulumi/pulumi';
import { PACKAGE, VERSION } from '../plugin/package.ts';

/** Our own plugin, as one explicit provider; it has no configuration. */
export class CordonProvider extends pulumi.ProviderResource {
  constructor(name: string, opts: pulumi.ResourceOptions = {}) {
    super(PACKAGE, name, {}, { version: VERSION, ...opts });
  }
}
