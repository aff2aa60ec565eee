import { readFileSync } from 'node:fs';
import { expect } from 'chai';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Readonly<Record<string, LockedPackage>>;
};

describe('package-lock.json', () => {
  it('has the packages for every platform, not only for the one that it was written on', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          packages[`node_modules/${name}`] === undefined && packages[`${path}/node_modules/${name}`] === undefined,
      ),
    );
    expect(missing).to.deep.equal([]);
  });

  it('binds nobody to one registry', () => {
    expect(Object.keys(packages).filter((path) => packages[path].resolved !== undefined)).to.deep.equal([]);
  });

  it('lets one package alone run a script when it is installed: classic-level, for platforms without a prebuilt binary', () => {
    const withScripts = Object.keys(packages).filter((path) => packages[path].hasInstallScript === true);
    expect(withScripts.filter((path) => packages[path].dev !== true)).to.deep.equal(['node_modules/classic-level']);
    // For building the package. Its script is not allowed to run: it only makes the command start faster.
    expect(withScripts.filter((path) => packages[path].dev === true)).to.deep.equal(['node_modules/esbuild']);
    const { allowScripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly allowScripts: object };
    expect(allowScripts).to.deep.equal({ 'classic-level': true });
  });
});
